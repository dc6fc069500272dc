export default {
  mode: 'production',
  target: 'node',
  entry: { send: './send.js', work: './work.js' },
  output: { path: `${import.meta.dirname}/webpack`, filename: '[name].cjs' },
};
