/** Kernels as JavaScript: Binaryen's wasm2js, its memory made an argument. */
import { createRequire } from 'node:module';

// The compiler's own Binaryen, so that the two agree about what they read and write.
const { resolve } = createRequire(createRequire(import.meta.url).resolve('assemblyscript/package.json'));
const { default: binaryen } = await import(resolve('binaryen'));

/** Where wasm2js goes on to instantiate over a memory of its own. */
const OWN_INSTANCE = '\nvar memasmFunc = ';

/** An ES module whose `instantiate({ env: { memory } })` returns the exports, and gives the memory its `grow`. */
export function wasmToScript(wasm) {
  const module = binaryen.readBinary(wasm);
  try {
    module.setFeatures(binaryen.Features.MutableGlobals);
    const parts = module.emitAsmjs().split(OWN_INSTANCE);
    if (parts.length !== 2) throw new Error('wasm2js writes something else than it did');
    return `/* Made from scalar.wasm by Binaryen's wasm2js. */\n${parts[0].replace(/^ +/gm, '')}export { asmFunc as instantiate };\n`;
  } finally {
    module.dispose();
  }
}
