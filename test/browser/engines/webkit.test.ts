/** The package in WebKit. */
import { engineSuite } from './matrix.js';

await engineSuite('WebKit');
