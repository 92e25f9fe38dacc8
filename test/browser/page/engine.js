/** The package as bundlers take it, put through the steps of `steps.js`. */
import { pipeline } from 'albert-wasm';
import { runSteps } from './steps.js';

await runSteps(pipeline);
