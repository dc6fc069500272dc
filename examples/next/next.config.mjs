// Copies what the app needs of node_modules beside the server: the folder `.next/standalone` runs by itself, as in a container.
export default { output: 'standalone' };
