/** Texts with more tokens than a model has positions: cut with a warning, read in windows, or refused. */
import { mismatch } from '../ground/errors.js';
import type { OptionNames } from '../ground/options.js';
import type { AlbertTokenizer, Encoding, TruncationStrategy } from '../tokenizer/tokenizer.js';
import { CALL_OPTIONS, type CallOptions, type Sequence, type Some } from './jobs.js';

/** What a task does with a text that has more tokens than the model has positions. */
export interface TextOptions extends CallOptions {
  /**
   * Whether such a text is cut, with one warning per pipeline. `false`: it is refused with `ERR_TOO_LONG`. Default: true.
   */
  readonly truncation?: boolean;
}

/** The same for a task that can read such a text as a whole. */
export interface WindowOptions extends TextOptions {
  /** Reads a text with more tokens than the model has positions in windows that share this many tokens. Default: it is cut. */
  readonly stride?: number;
}

export const TEXT_OPTIONS: OptionNames<TextOptions> = { ...CALL_OPTIONS, truncation: true };
export const WINDOW_OPTIONS: OptionNames<WindowOptions> = { ...TEXT_OPTIONS, stride: true };

/** What goes with a text. */
interface GivenText {
  readonly text_pair?: string;
  /** Whether the text is an array of words. */
  readonly is_split_into_words?: boolean;
  /** Which text of a pair is cut; default: the longer one. */
  readonly cut?: TruncationStrategy;
}

/** Windows, which may be of pairs, as sequences. */
export function sequencesOf(windows: Some<Encoding>): Some<Sequence> {
  return windows.map(({ input_ids, token_type_ids }) => ({ input_ids, token_type_ids })) as [Sequence, ...Sequence[]];
}

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
   * The tokens of one text or pair, at most as many as the model has positions.
   *
   * @throws ERR_TOO_LONG for a text that would be cut where `truncation` is false; what `encode` throws
   */
  encode(text: string, { truncation }: TextOptions, given: GivenText = {}): Encoding {
    return this.#cut(text, truncation, given, '');
  }

  /** All tokens of one text or pair: in windows if a stride is given and one window is not enough. */
  windows(
    text: string | readonly string[],
    { stride, truncation }: WindowOptions,
    given: GivenText = {},
  ): Some<Encoding> {
    if (stride === undefined) return [this.#cut(text, truncation, given, '`stride` reads all of it; ')];
    const encoding = this.#encode(text, given, stride);
    return [encoding, ...encoding.overflowing];
  }

  #encode(text: string | readonly string[], { cut = 'longest_first', ...given }: GivenText, stride?: number): Encoding {
    return this.#tokenizer.encode(text, { ...given, truncation: cut, max_length: this.longest, stride });
  }

  #cut(text: string | readonly string[], truncation: boolean | undefined, given: GivenText, advice: string): Encoding {
    if (truncation !== undefined && typeof truncation !== 'boolean') {
      throw mismatch('ERR_INPUT', 'truncation', 'true or false', truncation);
    }
    const encoding = this.#encode(text, given);
    if (encoding.overflowing.length === 0 || (truncation !== false && this.#warned)) return encoding;
    const { cut: _, ...whole } = given;
    const { length } = this.#tokenizer.encode(text, { ...whole, return_offsets: false }).input_ids;
    if (truncation === false) throw mismatch('ERR_TOO_LONG', 'text', `at most ${this.longest} tokens`, length);
    this.#warned = true;
    const refuse = '`truncation: false` refuses such texts (warned once)';
    this.#onWarning(`a text of ${length} tokens was cut to the ${this.longest} that are read: ${advice}${refuse}`);
    return encoding;
  }
}
