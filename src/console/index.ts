export { type HttpOptions, type HttpServer, startHttp } from './server/server.ts';
