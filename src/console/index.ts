export { type HttpOptions, type HttpServer, startHttp } from './http-server.ts';
