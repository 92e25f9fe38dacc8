/** What keeps the process alive: timers, files, sockets, ports, workers. */

/** What an engine does for itself, such as reading a source map, may take so many turns of the event loop. */
const MAX_TURNS = 200;

/** The kinds, one name for each that there is, to compare with later. */
export async function resources(): Promise<readonly string[]> {
  // The test runner has a timer of its own until here.
  await new Promise((resolve) => setImmediate(resolve));
  return process.getActiveResourcesInfo();
}

/** Those beside the noted ones that do not go away by themselves. */
export async function resourcesBeside(noted: readonly string[]): Promise<readonly string[]> {
  for (let turn = 0; ; turn++) {
    const rest = [...noted];
    const more = (await resources()).filter((kind) => {
      const at = rest.indexOf(kind);
      if (at >= 0) rest.splice(at, 1);
      return at < 0;
    });
    if (more.length === 0 || turn === MAX_TURNS) return more;
  }
}
