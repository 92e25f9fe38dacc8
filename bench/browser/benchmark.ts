/** benchmark.js in the page: as a module it would not find lodash and platform, so scripts of the page load all three. */
export default (globalThis as unknown as { Benchmark: unknown }).Benchmark;
