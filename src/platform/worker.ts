/** The interface of a worker on both platforms. */

/** A running worker. It does not keep a process alive. */
export interface WorkerHandle {
  /** Sends a message. @throws the engine's error for a value that cannot be copied */
  post(message: unknown, transfer?: Transferable[]): void;
  /** Ends the worker, whatever it is doing; the listener is not called afterwards. Settles when it has ended, if that can be known. */
  terminate(): Promise<void>;
}

/** Starts a worker from a file of the package, or from the file at `url`. @throws the engine's error if it starts no worker */
export type StartWorker = (url: URL | undefined, data: unknown, listener: WorkerListener) => WorkerHandle;

/** A worker that is a helper thread of a model; it receives no further messages. */
export type HelperHandle = Pick<WorkerHandle, 'terminate'>;

/** Starts a helper from the package's file, or from the file at `url`. @throws the engine's error if it starts no worker */
export type StartHelper = (url: URL | undefined, data: unknown, listener: WorkerListener) => HelperHandle;

/** What the owner of a worker receives from it. */
export interface WorkerListener {
  message(value: unknown): void;
  /** The worker could not be loaded, threw an error, or ended by itself. */
  error(error: Error): void;
}
