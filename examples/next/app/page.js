/** In the browser: the model runs in a worker of the page, from files that Next.js has copied. */
'use client';
import sst2 from '@albert-wasm/albert-mini-en-sst2';
import { pipeline } from 'albert-wasm';
import { useEffect, useState } from 'react';

export default function Page() {
  const [classify, setClassify] = useState();
  const [answer, setAnswer] = useState('…');
  useEffect(() => {
    const loading = pipeline('sentiment-analysis', sst2);
    loading.then(
      (loaded) => setClassify(() => loaded),
      (error) => setAnswer(error.message),
    );
    return () => loading.then((loaded) => loaded.dispose()).catch(() => {});
  }, []);
  const ask = async (text) => {
    const [{ label, score }] = await classify(text);
    setAnswer(`${label} ${(score * 100).toFixed(1)} %`);
  };
  return (
    <main>
      <input aria-label="Text" disabled={classify === undefined} onChange={({ target }) => ask(target.value)} />
      <output>{answer}</output>
    </main>
  );
}
