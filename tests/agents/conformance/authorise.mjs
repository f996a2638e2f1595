// Sends the key in each request, as the suite has no option for one.
import http from "node:http";
import { getGlobalDispatcher, setGlobalDispatcher } from "undici";

const authorization = ["authorization", `Bearer ${process.env.API_KEY}`];

const withKey = (dispatch) => (request, handler) => {
  const { headers } = request;
  const flat = Array.isArray(headers) ? headers : Object.entries(headers ?? {}).flat();
  return dispatch({ ...request, headers: [...flat, ...authorization] }, handler);
};

setGlobalDispatcher(getGlobalDispatcher().compose(withKey));

const { request } = http;
http.request = (...arguments_) => {
  const sent = request(...arguments_);
  sent.setHeader(...authorization);
  return sent;
};
