/** Whether the texts of a page can be read on what lies behind them. */

/** In the page: the contrast of each text with what lies behind it, as WCAG 2 computes it. */
export function readContrasts(): { text: string; ratio: number }[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!;
  const luminance = (color: string) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((v) => {
      const share = v / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element: Element): string => {
    const color = getComputedStyle(element).backgroundColor;
    if (color !== 'rgba(0, 0, 0, 0)' || element.parentElement === null) return color;
    return behind(element.parentElement);
  };
  return [...document.body.querySelectorAll<HTMLElement>('*')]
    .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()))
    .filter((element) => element.checkVisibility())
    .map((element) => {
      const [a, b] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return { text: element.textContent!.trim().slice(0, 40), ratio: Number(ratio.toFixed(2)) };
    });
}
