/** Where the checkpoint's files are. Each is written out in full, since bundlers find files by this very expression. */
export default {
  'config.json': new URL('./config.json', import.meta.url),
  'model.safetensors': new URL('./model.safetensors', import.meta.url),
  'tokenizer.json': new URL('./tokenizer.json', import.meta.url),
  'tokenizer_config.json': new URL('./tokenizer_config.json', import.meta.url),
  '1_Pooling/config.json': new URL('./1_Pooling/config.json', import.meta.url),
  'modules.json': new URL('./modules.json', import.meta.url),
  'sentence_bert_config.json': new URL('./sentence_bert_config.json', import.meta.url),
};
