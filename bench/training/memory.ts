/** The peak of resident memory of a training with default settings, in a process of its own, above an empty Node. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AlbertForSequenceClassification } from '../../src/model/models.js';
import { type Row, rounded } from '../format.js';
import { MODELS, type ModelName } from './steps.js';

/** Of each training: the second finds everything in place. */
const STEPS = 2;

export interface MeasuredMemory {
  readonly model: ModelName;
  readonly texts: number;
  readonly tokens: number;
  /** Above an empty Node. */
  readonly bytes: number;
  readonly emptyBytes: number;
  readonly weightBytes: number;
}

/** @throws when the process fails, or a loss is not finite */
export async function measureMemory(model: ModelName, texts: number, tokens: number): Promise<MeasuredMemory> {
  const directory = mkdtempSync(join(tmpdir(), 'albert-wasm-memory-'));
  try {
    const made = await AlbertForSequenceClassification.from_config(MODELS[model], { worker: false });
    await made.save_pretrained(directory);
    await made.dispose();
    const { peakBytes: emptyBytes } = start('empty');
    const { peakBytes, losses, weightBytes } = start(directory, String(texts), String(tokens), String(STEPS));
    if (losses.length !== STEPS || !losses.every(Number.isFinite)) throw new Error(`the losses are ${losses}`);
    return { model, texts, tokens, bytes: peakBytes - emptyBytes, emptyBytes, weightBytes };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function start(...args: string[]): { peakBytes: number; losses: number[]; weightBytes: number } {
  const child = fileURLToPath(new URL('memory-child.mjs', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`training ${args.join(' ')} failed: ${stderr}`);
  return JSON.parse(stdout);
}

export function memoryRow({ model, texts, tokens, bytes, weightBytes }: MeasuredMemory): Row {
  return {
    model,
    texts: `${texts}x${tokens}`,
    'peak above an empty Node, MB': rounded(bytes / 1e6, 0),
    'times the weights': rounded(bytes / weightBytes),
  };
}

export function memorySentence(measured: MeasuredMemory): string {
  const row = memoryRow(measured);
  return `${row.model} ${row.texts}: ${row['peak above an empty Node, MB']} MB above an empty Node, ${row['times the weights']} times the weights`;
}
