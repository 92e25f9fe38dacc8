/** What strangers may write into the queue: payloads that no `enqueue` has written, and what is said of each. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';

export const TASK = 'text-classification';
export const RUN = 'a'.repeat(32);

const deep = JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`);

/** A module that writes a file when it runs. */
export const code = (marker: string) =>
  `data:text/javascript,import{writeFileSync as w}from'node:fs';w(${JSON.stringify(marker)},'x')`;

/**
 * Makes `input`, `output` and `outside` in a folder, with links from the first two to the third, and a directory that a run has
 * claimed.
 */
export function makeFolders(folder: string) {
  const [input, output, outside] = [`${folder}/input`, `${folder}/output`, `${folder}/outside`];
  const [file, claimed, marker] = [`${input}/lines.jsonl`, `${output}/claimed`, `${outside}/ran`];
  for (const path of [input, output, outside, claimed]) mkdirSync(path);
  writeFileSync(file, '"good"\n"bad"\n"on \u2028 two \u0085 lines"\nno json\n');
  writeFileSync(`${claimed}/_RUN`, `${RUN}\n`);
  writeFileSync(`${outside}/secret`, '"secret"\n');
  symlinkSync(`${outside}/secret`, `${input}/link`);
  symlinkSync(outside, `${output}/link`);
  /** What a worker takes: the first lines of the file. */
  const part = { uri: file, start: 0, end: 20, part: 0, parts: 1, run: RUN, output: claimed, task: TASK };
  return { input, output, outside, file, claimed, marker, part };
}

/** Changes of that part, and what a worker says of it then. */
export function payloads(folder: string): [change: Record<string, unknown>, said: RegExp][] {
  const { input, output, file, marker } = {
    input: `${folder}/input`,
    output: `${folder}/output`,
    file: `${folder}/input/lines.jsonl`,
    marker: `${folder}/outside/ran`,
  };
  return [
    [
      { options: { load: { worker: true, workerUrl: code(marker) } } },
      /"load" expected no other keys than dtype, threads/,
    ],
    [{ options: { load: { threads: 2, workerUrl: code(marker) } } }, /"load" expected no other keys/],
    [{ options: { load: { wasmUrl: 'data:application/wasm,x' } } }, /"load" expected no other keys.*"wasmUrl"/],
    [{ options: { load: { cacheDir: '/' } } }, /"load" expected no other keys.*"cacheDir"/],
    [{ options: { load: { token: 'x' } } }, /"load" expected no other keys/],
    [{ options: { load: { dtype: 'float64' } } }, /"dtype" expected float32 or int8/],
    [{ options: { load: { threads: 65 } } }, /"threads" expected an integer from 1 to 64/],
    [{ options: { load: { threads: 1.5 } } }, /"threads"/],
    [{ options: { load: { revision: 7 } } }, /"revision"/],
    [{ options: { load: [] } }, /"load" expected an object/],
    [{ options: { other: 1 } }, /"options" expected no other keys/],
    [{ options: 'x' }, /"options" expected an object/],
    [{ options: { call: { signal: {} } } }, /"call" expected no other keys/],
    [{ options: { call: { top_k: '1' } } }, /"top_k" expected an integer/],
    [{ options: { call: { ignore_labels: [1] } } }, /"ignore_labels"/],
    [{ options: { call: { pooling: deep } } }, /"pooling" expected a name, got an array/],
    [{ __proto__: null, polluted: 1 }, /"job" expected no other keys/],
    [{ run: '/../../x' }, /"run" expected 32 hexadecimal digits, got "\/..\/..\/x"/],
    [{ run: RUN.toUpperCase() }, /"run"/],
    [{ run: `${RUN}\n` }, /"run"/],
    [{ run: 7 }, /"run"/],
    [{ part: -1 }, /"part"/],
    [{ part: 1 }, /"part" expected an integer below 1/],
    [{ part: '0' }, /"part"/],
    [{ parts: 0 }, /"parts"/],
    [{ parts: 1e9 }, /"parts"/],
    [{ start: 0.5 }, /"start"/],
    [{ end: null }, /"end"/],
    [{ task: 'toString' }, /"task"/],
    [{ task: deep }, /"task"/],
    [{ model: 7 }, /"model"/],
    [{ model: 'owner/name' }, /"model" expected one of the worker’s option "models"/],
    [{ model: 'http://127.0.0.1:1/' }, /"model" expected one of/],
    [{ model: `${folder}/outside` }, /"input" expected a place under/],
    [{ uri: 'lines.jsonl' }, /"uri" expected an absolute path/],
    [{ uri: `file://${file}` }, /"uri" expected an absolute path/],
    [{ uri: '/etc/passwd' }, /"input" expected a place under/],
    [{ uri: `${input}/../outside/secret` }, /"input" expected a place under/],
    [{ uri: `${input}/link` }, /"input" expected a place under/],
    [{ uri: `${input}/none` }, /cannot read .*none/],
    [{ output: `${folder}/outside` }, /"output" expected a place under/],
    [{ output: `${output}/link` }, /"output" expected a place under/],
    [{ output: `${output}/../outside` }, /"output" expected a place under/],
    [{ output: `${output}-other` }, /cannot read|"output" expected a place under/],
    [{ output: 'claimed' }, /"output" expected an absolute path/],
    [{ output }, /got one with the rows of another run/],
    [{ run: 'b'.repeat(32) }, /got one with the rows of another run/],
  ];
}
