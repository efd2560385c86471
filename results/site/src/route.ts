// Addresses after "#": a path and the state of a view, so that every view can be linked to.
import { useEffect, useState } from "preact/hooks";

export interface Route { path: string[]; query: URLSearchParams }

export function parse(hash: string): Route {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query ?? "") };
}

export function href(path: string[], query?: Record<string, string>): string {
  const kept = Object.entries(query ?? {}).filter(([, value]) => value !== "");
  const tail = kept.length ? "?" + new URLSearchParams(kept).toString() : "";
  return "#/" + path.map(encodeURIComponent).join("/") + tail;
}

export function useRoute(): Route {
  const [route, set] = useState(() => parse(location.hash));
  useEffect(() => {
    const change = () => set(parse(location.hash));
    addEventListener("hashchange", change);
    return () => removeEventListener("hashchange", change);
  }, []);
  return route;
}

// A view's state lives in its address; changing it replaces the history entry, so that "back" leaves the view.
export function change(route: Route, changes: Record<string, string>): void {
  const query = Object.fromEntries(route.query.entries());
  const address = href(route.path, { ...query, ...changes });
  if (address === location.hash) return;
  history.replaceState(null, "", address);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
