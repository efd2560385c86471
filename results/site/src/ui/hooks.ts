// The two headless libraries as hooks: table-core sorts and filters, virtual-core says which rows are in sight.
import { createTable, type RowData, type Table, type TableOptions, type TableOptionsResolved, type TableState } from "@tanstack/table-core";
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useLayoutEffect, useReducer, useState } from "preact/hooks";

type Given<T extends RowData> = Omit<TableOptions<T>, "onStateChange" | "renderFallbackValue" | "state"> & { state: Partial<TableState> };

// The caller owns the state (it lives in the address); the table only computes.
export function useTable<T extends RowData>(options: Given<T>): Table<T> {
  const full = { onStateChange() { /* the caller changes the address instead */ }, renderFallbackValue: null, ...options } as TableOptionsResolved<T>;
  const [table] = useState(() => createTable<T>(full));
  table.setOptions((before) => ({ ...before, ...full, state: { ...table.initialState, ...options.state } }));
  return table;
}

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
