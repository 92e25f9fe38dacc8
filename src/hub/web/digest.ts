/** Hashes of a whole file by Web Crypto. */

/**
 * The hash by which the Hub names a content: its SHA-256, or SHA-1 of git's blob, which has the size in front.
 *
 * @param digits 64 for SHA-256, 40 for git's
 * @returns `undefined` without Web Crypto, in a page that is not a secure context
 */
export async function blobHash(bytes: Uint8Array<ArrayBuffer>, digits: number): Promise<string | undefined> {
  const { subtle } = globalThis.crypto ?? {};
  if (subtle === undefined) return undefined;
  const hash = digits === 64 ? subtle.digest('SHA-256', bytes) : subtle.digest('SHA-1', gitBlob(bytes));
  return Array.from(new Uint8Array(await hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function gitBlob(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(`blob ${bytes.length}\0`);
  const blob = new Uint8Array(header.length + bytes.length);
  blob.set(header);
  blob.set(bytes, header.length);
  return blob;
}
