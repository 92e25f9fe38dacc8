/** Whether a text is a URL. `URL.canParse` does the same, but only from Safari 17, Firefox 115 and Chromium 120 on. */
export function isUrl(text: string | URL, base?: string | URL): boolean {
  try {
    new URL(text, base);
    return true;
  } catch {
    return false;
  }
}
