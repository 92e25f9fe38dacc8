/** Runs transformers.js over a folder's models: a task's calls come as JSON on standard input, its answers go as JSON to standard output. */
import { env, pipeline, Tensor } from '@huggingface/transformers';

env.allowRemoteModels = false;
env.localModelPath = `${process.argv[2]}/`;

let text = '';
for await (const chunk of process.stdin) text += chunk;
const { task, model, calls } = JSON.parse(text);

const run = await pipeline(task, model, { dtype: 'fp32' });
const answers = [];
for (const call of calls) {
  const answer = await run(...call);
  answers.push(answer instanceof Tensor ? { shape: answer.dims, data: [...answer.data] } : answer);
}
await run.dispose();
// A line of its own, behind whatever else was printed.
process.stdout.write(`\n${JSON.stringify(answers)}`);
