/** Three entries, and names without a hash for those that the manifest knows. */
export default {
  build: {
    target: 'esnext',
    rolldownOptions: {
      input: { popup: 'popup.html', offscreen: 'offscreen.html', background: 'background.js' },
      output: { entryFileNames: '[name].js' },
    },
  },
};
