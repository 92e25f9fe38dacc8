/**
 * The platform's types that the published types name: those of the program's own libraries (DOM, @types/node, …) where they
 * declare them, else the members that this library uses.
 */
type Known<Name extends string, Otherwise> = typeof globalThis extends { [name in Name]: { prototype: infer Type } }
  ? Type
  : Otherwise;

export type URL = Known<'URL', { readonly href: string }>;

export type AbortSignal = Known<
  'AbortSignal',
  {
    readonly aborted: boolean;
    readonly reason: unknown;
    addEventListener(type: 'abort', listener: () => void): void;
    removeEventListener(type: 'abort', listener: () => void): void;
  }
>;

export type Blob = Known<'Blob', { readonly size: number; arrayBuffer(): Promise<ArrayBuffer> }>;

/** No value bears this name, so the program's own cannot be found; all of its members are objects. */
export type Transferable = object;

export type Fetch = typeof globalThis extends { fetch: infer Type }
  ? Type
  : (url: URL, init: object) => Promise<object>;

export namespace WebAssembly {
  export type Part<Name extends string> = typeof globalThis extends {
    WebAssembly: { [name in Name]: { prototype: infer Type } };
  }
    ? Type
    : object;
  export type Module = Part<'Module'>;
  export type Memory = Part<'Memory'>;
  export type Global = Part<'Global'>;
}
