/** Starts any of the engines. */
import type { Engine, EngineName, EngineOptions } from './engine.js';
import { startPuppeteer } from './puppeteer.js';
import { startWebKit } from './webkit.js';

/** @throws EngineMissing when this machine lacks it */
export function startEngine(name: EngineName, options: EngineOptions = {}): Promise<Engine> {
  return name === 'WebKit' ? startWebKit(options) : startPuppeteer(name, options);
}
