/** How much a suite really checked: a loop that runs zero times passes everything else. */
import * as assert from 'uvu/assert';

/** States the number of cases in the output, and fails below the least that the suite was written for. */
export function stateCases(count: number, least: number): void {
  console.log(`\ncases: ${count}, at least ${least}`);
  assert.ok(count >= least, `expected at least ${least} cases, ran ${count}`);
}
