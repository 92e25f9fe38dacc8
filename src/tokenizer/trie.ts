/** A static trie of strings over UTF-16 units, in flat arrays: 16,000 pieces take one sort and no objects. */

/** Node 0 is the root. The children of a node are neighbours, sorted by their unit. */
export class Trie {
  readonly #firstChild: Int32Array; // (nodes + 1)
  readonly #units: Uint16Array; // (nodes)
  readonly #values: Int32Array; // (nodes)

  /** `keys` are distinct and not empty; the value of a key is its entry in `values`. */
  constructor(keys: readonly string[], values: ArrayLike<number>) {
    // Sorted and split by ranges rather than hashed: no choice of keys makes it slower than the sort.
    const order = keys.map((_, i) => i).sort((a, b) => (keys[a]! < keys[b]! ? -1 : 1));
    const sorted = order.map((i) => keys[i] as string);
    const capacity = keys.reduce((sum, key) => sum + key.length, 1);
    const from = new Int32Array(capacity);
    const to = new Int32Array(capacity);
    const depth = new Uint16Array(capacity);
    const firstChild = new Int32Array(capacity + 1);
    const units = new Uint16Array(capacity);
    const found = new Int32Array(capacity).fill(-1);
    to[0] = keys.length;
    let nodes = 1;
    for (let node = 0; node < nodes; node++) {
      const at = depth[node]!;
      const stop = to[node]!;
      let start = from[node]!;
      firstChild[node] = nodes;
      if (start < stop && sorted[start]!.length === at) found[node] = values[order[start++]!]!;
      while (start < stop) {
        const unit = sorted[start]!.charCodeAt(at);
        let end = start + 1;
        while (end < stop && sorted[end]!.charCodeAt(at) === unit) end++;
        units[nodes] = unit;
        from[nodes] = start;
        to[nodes] = end;
        depth[nodes] = at + 1;
        nodes++;
        start = end;
      }
    }
    firstChild[nodes] = nodes;
    this.#firstChild = firstChild.slice(0, nodes + 1);
    this.#units = units.slice(0, nodes);
    this.#values = found.slice(0, nodes);
  }

  /** The child of `node` along `unit`, or 0 when there is none. */
  child(node: number, unit: number): number {
    let low = this.#firstChild[node]!;
    let high = this.#firstChild[node + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = this.#units[middle]!;
      if (found === unit) return middle;
      if (found < unit) low = middle + 1;
      else high = middle;
    }
    return 0;
  }

  /** The value of the key that ends at `node`, or -1. */
  value(node: number): number {
    return this.#values[node]!;
  }
}
