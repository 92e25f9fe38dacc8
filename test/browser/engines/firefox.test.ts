/** The package in Firefox. */
import { engineSuite } from './matrix.js';

await engineSuite('Firefox');
