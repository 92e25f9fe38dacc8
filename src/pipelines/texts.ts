/** Texts for a model that has only so many positions: cut, and said so, or read in windows, or refused. */
import { mismatch, type OptionNames } from '../errors.js';
import type { AlbertTokenizer, Encoding } from '../tokenizer/tokenizer.js';
import { CALL_OPTIONS, type CallOptions, type Some } from './jobs.js';

/** What a task of texts does with one that is longer than the model's positions. */
export interface TextOptions extends CallOptions {
  /**
   * Whether a text past the model's positions is cut, with one warning for the pipeline. `false`: it is refused with
   * `ERR_TOO_LONG`. Default true.
   */
  readonly truncation?: boolean;
}

/** The same for a task that can read such a text as a whole. */
export interface WindowOptions extends TextOptions {
  /** Reads a text past the model's positions in windows that share this many tokens. Default: it is cut. */
  readonly stride?: number;
}

export const TEXT_OPTIONS: OptionNames<TextOptions> = { ...CALL_OPTIONS, truncation: true };
export const WINDOW_OPTIONS: OptionNames<WindowOptions> = { ...TEXT_OPTIONS, stride: true };

/** Encodes texts for one pipeline. */
export class Texts {
  readonly #tokenizer: AlbertTokenizer;
  /** The most tokens of a sequence, special ones included. */
  readonly longest: number;
  readonly #onWarning: (message: string) => void;
  #warned = false;

  constructor(tokenizer: AlbertTokenizer, longest: number, onWarning: (message: string) => void) {
    this.#tokenizer = tokenizer;
    this.longest = longest;
    this.#onWarning = onWarning;
  }

  /** The same texts for fewer tokens. */
  upTo(longest: number): Texts {
    return new Texts(this.#tokenizer, longest, this.#onWarning);
  }

  /**
   * One text's or pair's tokens, as many as the model has positions.
   *
   * @param advice what a caller can do about a cut, for the warning
   * @throws ERR_TOO_LONG for a text that would be cut where `truncation` is false; what `encode` throws
   */
  encode(text: string, { truncation }: TextOptions, text_pair?: string, advice = ''): Encoding {
    return this.#cut(text, text_pair, truncation, advice);
  }

  /** All tokens of one text or pair, in windows where it takes several and a stride is given. */
  windows(text: string, { stride, truncation }: WindowOptions, text_pair?: string): Some<Encoding> {
    if (stride === undefined) return [this.#cut(text, text_pair, truncation, '`stride` reads all of it; ')];
    const { longest: max_length } = this;
    const encoding = this.#tokenizer.encode(text, { text_pair, truncation: true, max_length, stride });
    return [encoding, ...encoding.overflowing];
  }

  #cut(text: string, text_pair: string | undefined, truncation: boolean | undefined, advice: string): Encoding {
    if (truncation !== undefined && typeof truncation !== 'boolean') {
      throw mismatch('ERR_INPUT', 'truncation', 'true or false', truncation);
    }
    const { longest: max_length } = this;
    const encoding = this.#tokenizer.encode(text, { text_pair, truncation: true, max_length });
    if (encoding.overflowing.length === 0 || (truncation !== false && this.#warned)) return encoding;
    const { length } = this.#tokenizer.encode(text, { text_pair, return_offsets: false }).input_ids;
    if (truncation === false) throw mismatch('ERR_TOO_LONG', 'text', `at most ${max_length} tokens`, length);
    this.#warned = true;
    this.#onWarning(
      `a text of ${length} tokens was cut to the ${max_length} that are read: ${advice}\`truncation: false\` refuses such texts (said once)`,
    );
    return encoding;
  }
}
