// Which rows are in sight (virtual-core), and in which order.
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

export function useVirtual(scroll: RefObject<HTMLElement>, count: number, height: number): Virtualizer<HTMLElement, Element> {
  const [, again] = useReducer((n: number) => n + 1, 0);
  const options = {
    count, estimateSize: () => height, overscan: 12, getScrollElement: () => scroll.current, scrollToFn: elementScroll,
    observeElementRect, observeElementOffset, onChange: () => again(0), initialRect: { width: 1000, height: 700 },
  };
  const [virtual] = useState(() => new Virtualizer<HTMLElement, Element>(options));
  virtual.setOptions(options);
  useLayoutEffect(() => virtual._didMount(), []);
  useLayoutEffect(() => virtual._willUpdate());
  return virtual;
}

type Key = string | number | undefined;
const collator = new Intl.Collator("en", { numeric: true });

// Items by key; equal ones keep their order, missing ones come last in both directions.
export function ordered<T>(items: T[], key: (item: T) => Key, down: boolean): T[] {
  const keys = items.map(key), sign = down ? -1 : 1;
  const compare = (a: number, b: number): number => {
    const x = keys[a], y = keys[b];
    if (x === undefined || y === undefined) return x === y ? a - b : x === undefined ? 1 : -1;
    const order = typeof x === "number" && typeof y === "number" ? x - y : collator.compare(String(x), String(y));
    return sign * order || a - b;
  };
  return items.map((_, i) => i).sort(compare).map((i) => items[i]);
}
