/** `convert`: a checkpoint in another dtype or format. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { AlbertError, convert, type SaveOptions } from '../../entry/index.js';
import { SAVED_DTYPES } from '../../ground/dtypes.js';
import { complain } from '../complain.js';
import { type SourceOptions, withBar, withSource } from '../options.js';
import { print } from '../output.js';
import { toJson } from '../writers.js';

interface Options extends SaveOptions, SourceOptions {
  readonly model: string;
  readonly out: string;
  readonly force?: boolean;
}

export function addConvert(program: Command): void {
  const command = program
    .command('convert')
    .description('write a checkpoint in another dtype or format, its tokenizer beside it');
  withSource(command, 'a checkpoint', true)
    .requiredOption('--out <directory>', 'where to write')
    .addOption(new Option('--dtype <dtype>', 'how numbers are stored; default: float32').choices(SAVED_DTYPES))
    .addOption(new Option('--format <format>', 'the file of weights').choices(['safetensors', 'flax_msgpack']))
    .option('--force', 'overwrite a model in the directory')
    .addHelpText(
      'after',
      `
Examples:
  $ albert-wasm convert --model my-model --out my-model-int8 --dtype int8
  $ albert-wasm convert --model owner/name --revision v1.0 --out local --format flax_msgpack`,
    )
    .action(convertModel);
}

const WEIGHTS = ['model.safetensors', 'model.safetensors.index.json', 'flax_model.msgpack'];

async function convertModel({ model, out, force, ...options }: Options): Promise<void> {
  if (isSame(model, out)) {
    throw new AlbertError('ERR_INPUT', `"--out" expected another directory than that of --model, got ${out}`);
  }
  const taken = ['config.json', ...WEIGHTS].find((name) => existsSync(join(out, name)));
  if (taken !== undefined && !force) {
    throw new AlbertError('ERR_SOURCE', `there is a ${taken} in ${out}: --force overwrites it`);
  }
  const { architecture, ignored, bytesRead } = await withBar((onProgress) =>
    convert(model, out, { ...options, onProgress }),
  );
  if (ignored.length > 0) {
    complain(`albert-wasm: ${architecture} does not use ${ignored.join(', ')}: left out`);
  }
  const file = options.format === 'flax_msgpack' ? 'flax_model.msgpack' : 'model.safetensors';
  const bytesWritten = statSync(join(out, file)).size;
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;
  if (process.stdout.isTTY)
    await print(`${architecture}: ${megabytes(bytesRead)} → ${megabytes(bytesWritten)} in ${out}`);
  else await print(toJson({ architecture, bytesRead, bytesWritten, ignored }));
}

/** Whether a source is this directory, even by another path. */
function isSame(source: string, directory: string): boolean {
  const path = source.startsWith('file:') ? fileURLToPath(source) : source;
  return existsSync(path) && existsSync(directory) && realpathSync(path) === realpathSync(directory);
}
