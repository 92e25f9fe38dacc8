/** What the oldest supported browsers understand: JavaScript of ES2022, and the globals and members of MDN's compatibility data. */
import { createRequire } from 'node:module';
import type { Identifier, MemberExpression, Node, Program } from 'acorn';
import { parse } from 'acorn';
import { analyze } from 'eslint-scope';

/** The oldest browsers, by MDN's names. README.md states them. */
export const BASELINE = { safari: 16.4, firefox: 114, chrome: 112 } as const;

type Support = { version_added: string | boolean | null; flags?: unknown; prefix?: string; alternative_name?: string };
interface Entry {
  readonly __compat?: { readonly support: Record<string, Support | Support[]> };
  readonly [member: string]: unknown;
}

const data = createRequire(import.meta.url)('@mdn/browser-compat-data') as {
  javascript: { builtins: Record<string, Entry> };
  api: Record<string, Entry>;
  webassembly: { api: Record<string, Entry> };
};

const INTERFACES: Record<string, Entry> = {
  ...data.api,
  ...data.javascript.builtins,
  WebAssembly: data.webassembly.api as Entry,
};

/** What stands in a page's or a worker's global scope beside the interfaces. */
const SCOPES = ['Window', 'WorkerGlobalScope', 'DedicatedWorkerGlobalScope', 'WindowOrWorkerGlobalScope'];

/** Members of any interface by name. */
const MEMBERS = new Map<string, Entry[]>();
for (const entry of [...Object.values(INTERFACES), ...Object.values(data.webassembly.api)]) {
  for (const [name, member] of Object.entries(entry)) {
    if (name === '__compat' || (member as Entry)?.__compat === undefined) continue;
    const plain = name.replace(/_(static|event)$/, '');
    MEMBERS.set(plain, [...(MEMBERS.get(plain) ?? []), member as Entry]);
  }
}

/** Whether every browser of the baseline has it. */
function isThere(entry: Entry): boolean {
  return Object.entries(BASELINE).every(([browser, version]) => {
    const support = entry.__compat?.support[browser];
    return [support ?? []].flat().some((one) => {
      if (one.flags !== undefined || one.prefix !== undefined || one.alternative_name !== undefined) return false;
      return one.version_added === true || Number.parseFloat(String(one.version_added).replace('≤', '')) <= version;
    });
  });
}

function globalEntry(name: string): Entry | undefined {
  const found = [INTERFACES[name], ...SCOPES.map((scope) => INTERFACES[scope]?.[name] as Entry | undefined)];
  return (
    found.find((entry) => entry?.__compat !== undefined && isThere(entry)) ?? found.find((entry) => entry?.__compat)
  );
}

/**
 * What a script needs beyond the baseline: `'newGlobal'`, `'Symbol.asyncDispose'`, `'.toSorted'`, or the parser's message.
 *
 * @param code a module
 * @param own names of members that the project defines: a method is known by its name alone, whatever it is called on
 */
export function beyondBaseline(code: string, own: ReadonlySet<string> = new Set()): string[] {
  let program: Program;
  try {
    program = parse(code, { ecmaVersion: 2022, sourceType: 'module', ranges: true });
  } catch (error) {
    return [(error as Error).message];
  }
  const beyond = new Set<string>();
  const free = new Set<Node>();
  const { globalScope } = analyze(program as never, { ecmaVersion: 2022, sourceType: 'module' });
  for (const { identifier } of globalScope?.through ?? []) {
    free.add(identifier as unknown as Node);
    const { name } = identifier as unknown as Identifier;
    const entry = globalEntry(name);
    if (entry === undefined || !isThere(entry)) beyond.add(name);
  }
  visit(program, (node) => {
    if (node.type !== 'MemberExpression') return;
    const { object, property, computed } = node as MemberExpression;
    if (computed || property.type !== 'Identifier') return;
    const owner = object.type === 'Identifier' && free.has(object) ? object.name : undefined;
    if (owner === 'globalThis' || owner === 'self') {
      const entry = globalEntry(property.name);
      // A property of ours, or of another runtime, says nothing of browsers.
      if (entry !== undefined && !isThere(entry)) beyond.add(`${owner}.${property.name}`);
      return;
    }
    const known = owner === undefined ? undefined : (INTERFACES[owner] as Entry | undefined);
    const named = known && ((known[`${property.name}_static`] ?? known[property.name]) as Entry | undefined);
    if (named === undefined && own.has(property.name)) return;
    const candidates = named?.__compat ? [named] : (MEMBERS.get(property.name) ?? []);
    if (candidates.length > 0 && !candidates.some(isThere)) beyond.add(`${owner ?? ''}.${property.name}`);
  });
  return [...beyond].sort();
}

function visit(node: Node, look: (node: Node) => void): void {
  look(node);
  for (const child of Object.values(node)) {
    for (const one of Array.isArray(child) ? child : [child]) {
      if (typeof one?.type === 'string') visit(one, look);
    }
  }
}

/** The members that a script defines, in classes and object literals. */
export function ownMembers(code: string): string[] {
  const names: string[] = [];
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), (node) => {
    const { type, key, computed } = node as { type: string; key?: Node; computed?: boolean };
    const defines = ['Property', 'MethodDefinition', 'PropertyDefinition'].includes(type) && !computed;
    if (defines && key?.type === 'Identifier') names.push((key as Identifier).name);
  });
  return names;
}

/** The modules that a module imports, by what it names them. */
export function importsOf(code: string): string[] {
  const specifiers: string[] = [];
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), (node) => {
    const { source } = node as { source?: { type: string; value: unknown } };
    if (source?.type === 'Literal' && typeof source.value === 'string') specifiers.push(source.value);
  });
  return specifiers;
}
