/** The package in Chromium. */
import { engineSuite } from './matrix.js';

await engineSuite('Chromium');
