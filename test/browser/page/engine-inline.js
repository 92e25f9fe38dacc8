/** The package in one file, put through the steps of `steps.js`. */
import { pipeline } from 'albert-wasm/inline';
import { runSteps } from './steps.js';

await runSteps(pipeline);
