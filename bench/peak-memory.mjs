/** The most memory that a process had. */
import { readFileSync } from 'node:fs';

/** The peak of resident memory in bytes. Linux counts the parent's in a child's `maxRSS`, from before it became another program; VmHWM is its own. */
export function peakOfThisProcess() {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
}
