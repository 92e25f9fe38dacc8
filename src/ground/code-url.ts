/** URLs of code: of the kernels and of the file for workers. */
import { takesCodeFrom } from '#platform';
import { printableUrl } from '../http/request.js';
import { reading } from './checks.js';
import { mismatch } from './errors.js';
import { isUrl } from './url.js';

/**
 * The URL of code as a string, which can be sent to a worker. If the option is a string, it may come from a configuration or a
 * message: on a server it must then name a file of the machine. A program that wants any other URL passes `new URL(…)`.
 *
 * @throws ERR_INPUT
 */
export function codeUrl(title: string, url: string | URL | undefined): string | undefined {
  if (url === undefined) return undefined;
  if (reading(title, () => url instanceof URL)) return (url as URL).href;
  if (typeof url !== 'string' || !isUrl(url)) throw mismatch('ERR_INPUT', title, 'a URL', url);
  if (takesCodeFrom(new URL(url))) return url;
  throw mismatch('ERR_INPUT', title, 'a file: URL, or any other as a URL object', printableUrl(new URL(url)));
}
