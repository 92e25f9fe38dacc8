/** `URL` as the program's libraries have it, or where they have none, what matters of it. */
type FileUrl = typeof globalThis extends { URL: { prototype: infer Type } } ? Type : { readonly href: string };

/** The URL of each file of the checkpoint, as `from_pretrained` and `pipeline` of albert-wasm take them. */
declare const files: Readonly<
  Record<'config.json' | 'model.safetensors' | 'tokenizer.json' | 'tokenizer_config.json', FileUrl>
>;
export default files;
