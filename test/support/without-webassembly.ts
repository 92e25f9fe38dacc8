/** An engine that has WebAssembly and refuses to compile it, as a page's Content-Security-Policy makes it. */

/** Runs `work` in such an engine. */
export async function withoutWebAssembly<T>(work: () => Promise<T>): Promise<T> {
  const { compile } = WebAssembly;
  WebAssembly.compile = async () => {
    throw new WebAssembly.CompileError('refused');
  };
  try {
    return await work();
  } finally {
    WebAssembly.compile = compile;
  }
}
