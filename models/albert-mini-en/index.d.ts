/** The URL of each file of the checkpoint, as `from_pretrained` and `pipeline` of albert-wasm take them. */
declare const files: Readonly<
  Record<'config.json' | 'model.safetensors' | 'tokenizer.json' | 'tokenizer_config.json', URL>
>;
export default files;
