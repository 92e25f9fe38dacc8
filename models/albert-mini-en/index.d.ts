/** `URL` as the program's libraries have it, or where they have none, what matters of it. */
type FileUrl = typeof globalThis extends { URL: { prototype: infer Type } } ? Type : { readonly href: string };

type Files = {
  readonly 'config.json': FileUrl;
  readonly 'model.safetensors': FileUrl;
  readonly 'tokenizer.json': FileUrl;
  readonly 'tokenizer_config.json': FileUrl;
};

/** The URL of each file of the checkpoint, as `from_pretrained` and `pipeline` of albert-wasm take them. */
declare const files: Files;
export default files;
