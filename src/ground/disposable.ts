/** `await using` and `using`, where the JavaScript engine and the caller's TypeScript have them. Safari has neither symbol. */

declare global {
  // Empty where TypeScript has no library ESNext.Disposable, so that a program need not have it; otherwise merged with its types.
  interface AsyncDisposable {}
  interface Disposable {}
}

/** `AsyncDisposable` of the caller's TypeScript library; empty where it has none. */
export interface AsyncDisposableIfKnown extends AsyncDisposable {}
/** `Disposable` of the caller's TypeScript library; empty where it has none. */
export interface DisposableIfKnown extends Disposable {}

/** Makes `await using` call `dispose` of `target`, in engines that have the symbol. Returns `target`. */
export function asyncDisposable<T extends { dispose(): Promise<void> }>(target: T): T & AsyncDisposableIfKnown {
  return alias(target, Symbol.asyncDispose, 'dispose');
}

/** Makes `using` call the method `name` of `target`, in engines that have the symbol. Returns `target`. */
export function disposable<T extends object>(target: T, name: keyof T & string): T & DisposableIfKnown {
  return alias(target, Symbol.dispose, name);
}

function alias<T extends object>(
  target: T,
  symbol: symbol | undefined,
  name: keyof T & string,
): T & AsyncDisposable & Disposable {
  if (symbol !== undefined) {
    const value = function (this: T) {
      return (this[name] as () => unknown)();
    };
    Object.defineProperty(target, symbol, { value, configurable: true, writable: true });
  }
  return target as T & AsyncDisposable & Disposable;
}
