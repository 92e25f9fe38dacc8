/** What both platforms promise of a worker. */

/** A worker that runs. It keeps no process alive. */
export interface WorkerHandle {
  /** Sends a message. @throws what the engine says of a value that it cannot copy */
  post(message: unknown, transfer?: Transferable[]): void;
  /** Ends it, whatever it is doing; nothing is heard of it afterwards. Settles when it has ended, where that can be known. */
  terminate(): Promise<void>;
}

/** A worker that helps a model: it is started with all that it needs. */
export type HelperHandle = Pick<WorkerHandle, 'terminate'>;

/** Starts a helper from the package's file, or from the one at `url`. @throws what the engine says when it starts no worker */
export type StartHelper = (url: URL | undefined, data: unknown, listener: WorkerListener) => HelperHandle;

/** What its owner hears of a worker. */
export interface WorkerListener {
  message(value: unknown): void;
  /** It could not be loaded, threw, or ended without being told to. */
  error(error: Error): void;
}
