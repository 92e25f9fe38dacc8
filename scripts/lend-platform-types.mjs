/**
 * Lets a TypeScript program do without the library DOM and @types/node: what the declarations in `dist/` name of the platform,
 * such as `AbortSignal`, they import from `platform-types.d.ts`, which takes the program's own type where there is one.
 */
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const TYPES = 'platform-types.d.ts';
const LENT = new Set(['URL', 'AbortSignal', 'Blob', 'Transferable', 'WebAssembly']);

copyFileSync(new URL(TYPES, import.meta.url), `${dist}/${TYPES}`);
for (const name of readdirSync(dist, { recursive: true })) {
  if (!name.endsWith('.d.ts') || name === TYPES) continue;
  const text = readFileSync(`${dist}/${name}`, 'utf8');
  const { used, lent } = lend(ts.createSourceFile(name, text, ts.ScriptTarget.Latest), text);
  if (used.size === 0) continue;
  const path = relative(dirname(name), TYPES.replace('.d.ts', '.js'));
  const from = path.startsWith('.') ? path : `./${path}`;
  writeFileSync(`${dist}/${name}`, `import type { ${[...used].sort().join(', ')} } from '${from}';\n${lent}`);
}

/** The names that a file's types use, and its text with `Fetch` for `typeof globalThis.fetch`. */
function lend(file, text) {
  const used = new Set();
  let lent = text;
  const visit = (node) => {
    if (ts.isTypeReferenceNode(node)) {
      let name = node.typeName;
      while (ts.isQualifiedName(name)) name = name.left;
      if (LENT.has(name.text)) used.add(name.text);
    }
    if (ts.isTypeQueryNode(node)) {
      const query = node.getText(file);
      if (query === 'typeof globalThis.fetch') {
        used.add('Fetch');
        lent = lent.replaceAll(query, 'Fetch');
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { used, lent };
}
