/** Names that become URLs and paths: what is one, and everything that must not be. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkFileName, checkRevision, hashOf, hubIdOf, isCommit, isHubId } from '../../src/hub/names.js';
import { expectError } from '../support/expect-error.js';

const names = suite('names of the Hub');

names('ids', () => {
  for (const id of ['a/b', 'albert/albert-base-v2', 'Owner_1/na.me-2', `${'o'.repeat(96)}/${'n'.repeat(96)}`]) {
    assert.ok(isHubId(id), id);
  }
  const wrong = [
    'albert-base-v2',
    'a/b/c',
    '/a/b',
    'a/b/',
    './b',
    '../b',
    'a/..',
    'a/.b',
    'a/b.',
    'a/-b',
    'a/b-',
    'a\\b/c',
  ];
  for (const id of [
    ...wrong,
    'a--b/c',
    'a/b..c',
    'a/b.git',
    'a b/c',
    'a/b\n',
    'a/ü',
    'a/b?x',
    'a/b%2f',
    'C:/b',
    '',
    '/',
  ]) {
    assert.not.ok(isHubId(id), id);
  }
  assert.not.ok(isHubId(`a/${'n'.repeat(97)}`));
});

names('ids without owner: ALBERT’s own eight, and no other', () => {
  for (const size of ['base', 'large', 'xlarge', 'xxlarge']) {
    for (const name of [`albert-${size}-v1`, `albert-${size}-v2`]) {
      assert.is(hubIdOf(name), `albert/${name}`);
      assert.is(hubIdOf(`somebody/${name}`), `somebody/${name}`);
    }
  }
  const others = [
    'albert-base',
    'albert-base-v3',
    'albert-tiny-v2',
    'ALBERT-base-v2',
    'bert-base-uncased',
    ' albert-base-v2',
  ];
  for (const name of [...others, 'albert-base-v2\n', 'albert-base-v2/', './albert-base-v2', 'xalbert-base-v2', '']) {
    assert.is(hubIdOf(name), undefined, name);
  }
});

names('revisions', async () => {
  for (const revision of ['main', 'v1.0', 'refs/pr/1', 'feature/a-b_c', '0123456', 'release@2', 'a+b']) {
    assert.is(checkRevision(revision), revision);
  }
  const wrong = [
    '',
    '..',
    '.',
    'a/../b',
    '/a',
    'a/',
    'a//b',
    '.a',
    '-a',
    'a..b',
    'a.lock',
    'a/b.',
    'a@{1}',
    'a b',
    'a\\b',
  ];
  for (const revision of [...wrong, 'a:b', 'a?b', 'a%2e', 'a\0', 'a~1', 'r'.repeat(256)]) {
    await expectError(() => checkRevision(revision), 'ERR_INPUT', '"revision"');
  }
});

names('files', async () => {
  for (const file of ['config.json', 'model-00001-of-00002.safetensors', '1_Pooling/config.json', 'a/b/c/d']) {
    assert.is(checkFileName(file), file);
  }
  const climbing = ['..', '../a', 'a/..', 'a/../b', '/etc/passwd', 'a\\b', 'C:a'];
  for (const file of [...climbing, '', '.', '.hidden', 'a/.b', 'a//b', 'a/', 'a/b/c/d/e', 'a..b', 'a\0', 'a b']) {
    await expectError(() => checkFileName(file), 'ERR_SOURCE', 'a plain file name');
  }
});

names('hashes and commits', () => {
  const [sha1, sha2] = ['0a'.repeat(20), 'f3'.repeat(32)];
  for (const hash of [sha1, sha2]) for (const etag of [hash, `"${hash}"`, `W/"${hash}"`]) assert.is(hashOf(etag), hash);
  for (const etag of [
    '',
    '""',
    '../x',
    `"${sha1}/../x"`,
    `${sha1}0`,
    sha1.toUpperCase(),
    `"${sha1}-5"`,
    null,
    undefined,
  ]) {
    assert.is(hashOf(etag), undefined, String(etag));
  }
  assert.ok(isCommit(sha1));
  for (const text of [sha2, sha1.slice(1), sha1.toUpperCase(), `${sha1}\n`, '', null, undefined])
    assert.not.ok(isCommit(text));
});

names.run();
