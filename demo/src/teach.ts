/** Teaching a model labels of the visitor's own: examples in, training in a worker, texts to try, the model as one file. */
import { type LabelScore, type ModelFiles, pipeline, type TextClassificationPipeline } from 'albert-wasm';
import { fineTune, loadDataset } from 'albert-wasm/training';
import { strToU8, unzip, zip } from 'fflate';
import { drawCurve, type Point } from './curve.js';
import { MAX_LABELS, readLessons, showLessons, startLessons } from './lessons.js';
import { ENGLISH, withBar } from './models.js';
import { announcer, element, latest, make, percent, showFailure } from './page.js';

/** Passes over the examples; a few dozen examples take seconds. */
const EPOCHS = 12;
const BATCH = 8;
const LEARNING_RATE = 3e-4;

/** A CSV file is cut here: a page that a visitor waits for is no place for hours of training. */
const MAX_EXAMPLES = 2000;

/** The files of a taught model in its archive; nothing else is taken from one. */
const FILES = [
  'config.json',
  'model.safetensors',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
];

/** The largest archive that is loaded, and the most that its files may have in all. */
const MAX_BYTES = 200e6;

/** Makes the section work. */
export function startTeaching(): void {
  let classify: TextClassificationPipeline | undefined;
  let files: ModelFiles | undefined;
  let training: AbortController | undefined;
  const announce = announcer('teach-announcement');
  startLessons();

  /** Runs what a visitor asked for; shows what goes wrong. */
  const attempt = (work: () => Promise<void>) => {
    element('failure').hidden = true;
    work().catch((error) => {
      showFailure(error);
      element('failure').scrollIntoView({ block: 'center' });
    });
  };

  /** Has the visitor try a model. */
  const take = async (taught: ModelFiles) => {
    const loaded = await pipeline('text-classification', taught);
    await classify?.model.dispose();
    [classify, files] = [loaded, taught];
    element('try').hidden = false;
    read(element<HTMLTextAreaElement>('try-text').value);
  };

  const read = latest(60, async (text: string, signal) => {
    const scores = text.trim() === '' || classify === undefined ? [] : await classify(text, { top_k: 12, signal });
    if (signal.aborted) return;
    showScores(scores);
    const [best] = scores;
    if (best !== undefined) announce(`${best.label}, ${percent(best.score)}`);
  });

  const train = async () => {
    const examples = readLessons();
    const controller = (training = new AbortController());
    element('train').hidden = true;
    element('stop').hidden = false;
    element('stop').focus();
    try {
      const taught = await learn(examples, controller.signal);
      await take(taught);
      announce('Trained. Try a text of your own.');
      element('try-text').focus();
    } catch (error) {
      if (!controller.signal.aborted) throw error;
      element('learning-caption').textContent = 'Stopped. Nothing was changed.';
    } finally {
      training = undefined;
      element('train').hidden = false;
      element('stop').hidden = true;
    }
  };

  const openCsv = async (file: File) => {
    const { examples } = await loadDataset('text-classification', file, {
      name: file.name,
      problem_type: 'single_label_classification',
    });
    const lessons = new Map<string, string[]>();
    for (const { text, label } of examples.slice(0, MAX_EXAMPLES)) {
      const texts = lessons.get(String(label)) ?? [];
      lessons.set(String(label), texts);
      texts.push(text.replaceAll(/\s+/g, ' '));
    }
    if (lessons.size > MAX_LABELS)
      throw new Error(`${file.name} has ${lessons.size} labels; this page takes ${MAX_LABELS} at most.`);
    showLessons(lessons);
    const cut = examples.length > MAX_EXAMPLES ? `, the first ${MAX_EXAMPLES} of ${examples.length}` : '';
    element('csv-note').textContent =
      `${file.name}: ${Math.min(examples.length, MAX_EXAMPLES)} examples${cut}, ${lessons.size} labels`;
  };

  element('train').addEventListener('click', () => attempt(train));
  element('stop').addEventListener('click', () => training?.abort());
  element('try-text').addEventListener('input', () => read(element<HTMLTextAreaElement>('try-text').value));
  element('download').addEventListener('click', () => attempt(async () => files && download(await pack(files))));
  const choose = (id: string, work: (file: File) => Promise<void>) => {
    const input = element<HTMLInputElement>(id);
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      // The same file may be chosen again.
      input.value = '';
      if (file !== undefined) attempt(() => work(file));
    });
  };
  choose('csv', openCsv);
  choose('taught', async (file) => take(await unpack(file)));
  acceptDrops(element('teach'), (file) =>
    attempt(() => (/\.zip$/i.test(file.name) ? unpack(file).then(take) : openCsv(file))),
  );
}

/** Trains in a worker, with a curve. @returns the model's files */
async function learn(examples: readonly { text: string; label: string }[], signal: AbortSignal): Promise<ModelFiles> {
  const points: Point[] = [];
  const bar = element<HTMLProgressElement>('steps');
  const caption = element('learning-caption');
  const { files } = await withBar('teach-loading', 'albert-mini-en', ENGLISH, (onLoad) =>
    fineTune({
      task: 'text-classification',
      model: ENGLISH,
      train_dataset: examples,
      eval_dataset: examples,
      threads: 'auto',
      args: {
        num_train_epochs: EPOCHS,
        per_device_train_batch_size: BATCH,
        learning_rate: LEARNING_RATE,
        warmup_ratio: 0.1,
        eval_strategy: 'epoch',
        logging_steps: 1,
      },
      onLoad,
      onProgress: ({ step, total_steps, loss, seconds_left }) => {
        element('learning').hidden = false;
        element('teach-loading').replaceChildren();
        [bar.max, bar.value] = [total_steps, step];
        points.push({ step, loss });
        caption.textContent = `Step ${step} of ${total_steps}, ${Math.ceil(seconds_left)} s left`;
        drawCurve(points, total_steps);
      },
      onLog: ({ step, eval_accuracy }) => {
        if (eval_accuracy === undefined) return;
        points.push({ step, accuracy: eval_accuracy });
        drawCurve(points, bar.max);
      },
      signal,
    }),
  );
  return files;
}

function showScores(scores: readonly LabelScore[]): void {
  element('try-scores').replaceChildren(
    ...scores.map(({ label, score }) => {
      const line = make('p');
      const bar = make('span', '', { class: 'bar' });
      bar.style.setProperty('--share', String(score));
      line.append(make('span', label, { class: 'word' }), bar, make('span', percent(score), { class: 'number' }));
      return line;
    }),
  );
}

/** The files of a model as one archive, as they are: weights do not shrink. */
async function pack(files: ModelFiles): Promise<Blob> {
  const contents: Record<string, Uint8Array> = {};
  for (const [name, content] of Object.entries(files)) {
    if (content instanceof Uint8Array) contents[name] = content;
    else if (typeof content === 'string') contents[name] = strToU8(content);
  }
  const bytes = await new Promise<Uint8Array>((resolve, reject) =>
    zip(contents, { level: 0 }, (error, data) => (error === null ? resolve(data) : reject(error))),
  );
  return new Blob([bytes as BlobPart], { type: 'application/zip' });
}

/** The files of such an archive: those with a name that is known, and no larger than a model is. */
async function unpack(file: File): Promise<ModelFiles> {
  if (file.size > MAX_BYTES) throw new Error(`${file.name} is larger than ${MAX_BYTES / 1e6} MB.`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  // In all: an archive may have many entries of one name.
  let unpacked = 0;
  const filter = ({ name, originalSize }: { name: string; originalSize: number }) =>
    FILES.includes(name) && (unpacked += originalSize) <= MAX_BYTES;
  const files = await new Promise<Record<string, Uint8Array>>((resolve, reject) =>
    unzip(bytes, { filter }, (error, data) => (error === null ? resolve(data) : reject(error))),
  ).catch((error) => {
    throw new Error(`${file.name} is not a model that was downloaded here: ${(error as Error).message}`);
  });
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json']) {
    if (files[name] === undefined)
      throw new Error(`${file.name} has no ${name}: it is not a model that was downloaded here.`);
  }
  return files;
}

function download(blob: Blob): void {
  const url = URL.createObjectURL(blob);
  make('a', '', { href: url, download: 'taught-albert.zip' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Files that are dropped on a section. */
function acceptDrops(section: HTMLElement, accept: (file: File) => void): void {
  section.addEventListener('dragover', (event) => {
    event.preventDefault();
    section.classList.add('dropping');
  });
  section.addEventListener('dragleave', () => section.classList.remove('dropping'));
  section.addEventListener('drop', (event) => {
    event.preventDefault();
    section.classList.remove('dropping');
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) accept(file);
  });
}
