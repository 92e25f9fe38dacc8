/** Processor time of this process in milliseconds; NaN in a browser, which does not tell. */
export function processorTime(): number {
  if (typeof process === 'undefined') return Number.NaN;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
