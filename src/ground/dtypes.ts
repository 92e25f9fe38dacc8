/** The dtypes of a model's weights, by name: those that it computes with, and those that a file stores. */

export const DTYPES = ['float32', 'int8'] as const;
/** How weight matrices are stored and multiplied. */
export type Dtype = (typeof DTYPES)[number];

export const SAVED_DTYPES = ['float32', 'float16', 'bfloat16', 'int8'] as const;
/** How a checkpoint stores its numbers. */
export type SavedDtype = (typeof SAVED_DTYPES)[number];
