/** Headers that change what a page may do. */

/** What makes a page cross-origin isolated, so that it may share memory with workers. */
export const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export const policy = (text: string) => ({ 'Content-Security-Policy': text });
