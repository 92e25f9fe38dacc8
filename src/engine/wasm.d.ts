/** A kernel file, where a program's bundler compiles it. */
declare module '*.wasm' {
  const module: WebAssembly.Module;
  export default module;
}
