/** Faults of what stands before strangers: messages, the queue's jobs, files that others write beside ours. */
const ERRORS = ['test/ground/errors.test.ts'];
const HOSTILE = ['test/fuzz/hostile.test.ts'];
const ODD = ['test/faults/odd-values.test.ts'];
const BLOBS = ['test/hub/blob-file.test.ts'];
const SHARDS = ['test/shards/process-shard.test.ts'];
const TERMINALS = ['test/cli/escapes.test.ts'];

/** @type {import('../run-mutations.mjs').Mutation[]} */
export const STRANGERS = [
  {
    what: 'what was expected may be as long as a file',
    file: 'src/ground/errors.ts',
    search: 'clip(printable(clip(line, LINE_SHOWN)), LINE_SHOWN)',
    replace: 'printable(line)',
    tests: ERRORS,
  },
  {
    what: 'convert writes outside its directory where a module says so',
    file: 'src/pipelines/sentence-files.ts',
    search: " && (path === '' || isPlainPath(path))",
    replace: '',
    tests: ['test/convert.test.ts'],
  },
  {
    what: 'convert holds a whole file of weights in memory while it writes',
    file: 'src/convert.ts',
    search: 'let bytesRead = 0;',
    replace: "let bytesRead = 0;\n  const whole = await opened.readFile('model.safetensors', signal);",
    also: { search: 'return { architecture:', replace: 'whole?.at(0);\n  return { architecture:' },
    tests: ['test/convert.test.ts'],
  },
  {
    what: 'values are shown as deep as they are',
    file: 'src/ground/errors.ts',
    search: 'if (depth === DEPTH_SHOWN)',
    replace: 'if (depth < 0)',
    tests: [...ERRORS, ...HOSTILE],
  },
  {
    what: 'arrays are shown whole',
    file: 'src/ground/errors.ts',
    search: 'i < Math.min(value.length, ELEMENTS_SHOWN)',
    replace: 'i < value.length',
    tests: ERRORS,
  },
  {
    what: 'getters and proxies that throw are let through by show',
    file: 'src/ground/errors.ts',
    search: "    return 'a value that cannot be read';",
    replace: '    return String((value as { readonly constructor: { readonly name: string } }).constructor.name);',
    tests: [...ERRORS, ...ODD],
  },
  {
    what: 'an array passes for options',
    file: 'src/ground/options.ts',
    search: ' || Array.isArray(options)',
    replace: '',
    tests: ['test/ground/options.test.ts'],
  },
  {
    what: 'what a caller’s getters throw is passed on',
    file: 'src/ground/checks.ts',
    search: "    if (cause instanceof AlbertError) throw cause;\n    throw new AlbertError('ERR_INPUT'",
    replace: "    if (cause !== undefined) throw cause;\n    throw new AlbertError('ERR_INPUT'",
    tests: [...ERRORS, ...ODD],
  },
  {
    what: 'messages are not escaped',
    file: 'src/ground/errors.ts',
    search: 'clip(printable(clip(line, LINE_SHOWN)), LINE_SHOWN)',
    replace: 'clip(clip(line, LINE_SHOWN), LINE_SHOWN)',
    tests: [...ERRORS, ...HOSTILE],
  },
  {
    what: 'bidi overrides and other format characters pass',
    file: 'src/ground/printable.ts',
    search: '/[\\p{Cc}\\p{Cf}\\p{Zl}',
    replace: '/[\\p{Cc}\\p{Zl}',
    tests: [...ERRORS, ...HOSTILE],
  },
  {
    what: 'C1 controls pass to the terminal',
    file: 'src/ground/printable.ts',
    search: '/[\\p{Cc}\\p{Zl}\\p{Zp}\\p{Cs}]|',
    replace: '/[\\0-\\x1f\\p{Zl}\\p{Zp}\\p{Cs}]|',
    tests: [...ERRORS, ...TERMINALS],
  },
  {
    what: 'complaints are written as they are',
    file: 'src/cli/complain.ts',
    search: '.map(printable)',
    replace: '',
    tests: TERMINALS,
  },
  {
    what: 'names of tensors steer what reads the lines of convert',
    file: 'src/cli/commands/convert.ts',
    search: 'toJson({ architecture',
    replace: 'JSON.stringify({ architecture',
    tests: TERMINALS,
  },
  {
    what: 'in Node a string brings code from anywhere',
    file: 'src/platform/node/platform.ts',
    search: "return url.protocol === 'file:';",
    replace: "return url.protocol !== '';",
    tests: ODD,
  },
  {
    what: 'params of a call may be NaN',
    file: 'src/model/parameters/match.ts',
    search: '{ stored: name, transposed: false, fill }',
    replace: '{ transposed: false, fill }',
    tests: ODD,
  },
  {
    what: 'what a fetch answers is taken for a Response',
    file: 'src/http/request.ts',
    search: '  checkResponse(response);\n',
    replace: '',
    tests: ODD,
  },
  {
    what: 'HF_ENDPOINT may hold a password',
    file: 'src/hub/settings.ts',
    search: '[^?#@]+$',
    replace: '[^?#]+$',
    tests: ODD,
  },
  {
    what: 'a configuration nests as deep as it likes',
    file: 'src/ground/nesting.ts',
    search: 'if (depth > most) return true;',
    replace: 'if (depth > most * 1e6) return true;',
    tests: HOSTILE,
  },
  {
    what: 'a line of poison ends the run',
    file: 'src/shards/answer-lines.ts',
    search: 'if (!OF_A_LINE.includes(error.code)) {',
    replace: 'if (!OF_A_LINE.includes(error.code)) {\n        throw cause;',
    tests: SHARDS,
  },
  {
    what: 'a model that is gone is every line’s own fault',
    file: 'src/shards/answer-lines.ts',
    search: '        await task.model.forwardEach([]);\n',
    replace: '',
    tests: SHARDS,
  },
  {
    what: 'an abandoned download is written to, not copied',
    file: 'src/hub/node/blob-file.ts',
    search: "await open(path, 'ax+')",
    replace: "await open(path, (await takenOver(blob, path)) ? 'a+' : 'ax+')",
    also: {
      search: 'function isFile(path: string)',
      replace:
        'async function takenOver(blob: string, path: string): Promise<boolean> {\n  const [name] = (await readdir(dirname(blob))).filter((name) => name.startsWith(`${basename(blob)}.`));\n  if (name !== undefined) await rename(join(dirname(blob), name), path);\n  return name !== undefined;\n}\n\nfunction isFile(path: string)',
    },
    tests: BLOBS,
  },
  {
    what: 'links beside a download are followed',
    file: 'src/hub/node/blob-file.ts',
    search: '(constants.O_NOFOLLOW ?? 0)',
    replace: '0',
    tests: BLOBS,
  },
  {
    what: 'copied bytes are hashed as they were read, not as they lie on the disk',
    file: 'src/hub/node/blob-file.ts',
    search: 'if (!this.#copied) return',
    replace: 'if (this.length >= 0) return',
    tests: BLOBS,
  },
  {
    what: 'a file gets its name whatever has become of it',
    file: 'src/hub/node/blob-file.ts',
    search: 'size !== this.#size || nlink !== 1',
    replace: 'nlink !== 1',
    tests: BLOBS,
  },
  {
    what: 'another file gets the name',
    file: 'src/hub/node/blob-file.ts',
    search: 'ino !== mine.ino || dev !== mine.dev || ',
    replace: '',
    tests: BLOBS,
  },
  {
    what: 'what killed processes leave stays for ever',
    file: 'src/hub/node/sweep.ts',
    search: 'Date.now() - changed > LEFT_MS',
    replace: 'Date.now() - changed > LEFT_MS * 1e6',
    tests: BLOBS,
  },
];
