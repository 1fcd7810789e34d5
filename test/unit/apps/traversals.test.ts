import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { graphById, graphs } from '../../../lib/apps/graph-file.js';
import { hopsOf, traversalCount, traversalsOf } from '../../../lib/apps/traversals.js';
import { anyGraph, chain } from './graphs.js';

describe('a request of', () => {
  test.each([
    ['bookinfo', undefined, 7], ['bookinfo', 'reviews-v1', 5], ['bookinfo', 'since-2024-06', 7],
    ['online-boutique', undefined, 29],
    ['hotel-reservation', undefined, 19], ['hotel-reservation', 'until-2023-10', 19],
    ['two-tier', undefined, 11],
  ])('%s (%s) crosses %d sidecars', (id, variant, count) => {
    expect(traversalCount(graphById(id, variant))).toBe(count);
  });

  test('BookInfo crosses them in as many directions as the paper counts (C37)', () => {
    const directions = traversalsOf(graphById('bookinfo')).map(({ service, inbound, outbound }) => [service, 2 * (inbound + outbound)]);
    expect(directions).toEqual([['productpage', 6], ['details', 2], ['reviews', 4], ['ratings', 2]]);
  });

  test('Online Boutique asks currency ten times, and five services not at all', () => {
    const busy = traversalsOf(graphById('online-boutique')).map(({ service, inbound, outbound }) => `${service} ${inbound}+${outbound}`);
    expect(busy).toEqual([
      'frontend 1+13', 'currencyservice 10+0', 'productcatalogservice 1+0', 'cartservice 1+1', 'adservice 1+0', 'redis-cart 1+0',
      'recommendationservice 0+0', 'checkoutservice 0+0', 'shippingservice 0+0', 'paymentservice 0+0', 'emailservice 0+0',
    ]);
  });

  test('Hotel Reservation crosses 11 with HTTP and gRPC, 8 with memcached', () => {
    const hops = hopsOf(graphById('hotel-reservation'));
    const [stores, others] = [hops.filter(({ protocol }) => protocol === 'memcached'), hops.filter(({ protocol }) => protocol !== 'memcached')];
    expect([1 + 2 * (others.length - 1), 2 * stores.length]).toEqual([11, 8]);
  });
});

describe('the calls of', () => {
  const rows = (id: string, variant?: string) => hopsOf(graphById(id, variant)).map((hop) => `${hop.caller ?? 'client'} > ${hop.callee} ${hop.path} ${hop.requestBytes}/${hop.responseBytes}${hop.newConnection ? ' new' : ''}`);

  test('BookInfo are details, then reviews and inside it ratings', () => {
    expect(rows('bookinfo')).toEqual([
      'client > productpage /productpage 0/5300 new', 'productpage > details /details/0 0/178 new',
      'productpage > reviews /reviews/0 0/440 new', 'reviews > ratings /ratings/0 0/48',
    ]);
  });

  test('BookInfo with reviews v1 leave ratings out; since June 2024 its clients keep their connections', () => {
    expect(rows('bookinfo', 'reviews-v1').at(-1)).toBe('productpage > reviews /reviews/0 0/358 new');
    expect(rows('bookinfo', 'since-2024-06')[0]).toBe('client > productpage /productpage 0/5300');
  });

  test('Online Boutique are thirteen in a row, and one read of the cart', () => {
    const convert = 'frontend > currencyservice /hipstershop.CurrencyService/Convert 20/13';
    expect(rows('online-boutique')).toEqual([
      'client > frontend / 0/10500',
      'frontend > currencyservice /hipstershop.CurrencyService/GetSupportedCurrencies 0/165',
      'frontend > productcatalogservice /hipstershop.ProductCatalogService/ListProducts 0/1365',
      'frontend > cartservice /hipstershop.CartService/GetCart 38/0', 'cartservice > redis-cart get 0/0',
      ...Array<string>(9).fill(convert),
      'frontend > adservice /hipstershop.AdService/GetAds 0/130',
    ]);
  });

  const hotel = (sizes: string[]) => [
    `client > frontend /hotels?inDate=2015-04-09&outDate=2015-04-10&lat=37.7749&lon=-122.4194 ${sizes[0]}`,
    `frontend > search /search.Search/Nearby ${sizes[1]}`, 'search > geo /geo.Geo/Nearby 10/15',
    `search > rate /rate.Rate/GetRates ${sizes[2]}`, `rate > memcached-rate get ${sizes[3]}`,
    `frontend > reservation /reservation.Reservation/CheckAvailability ${sizes[4]}`,
    'reservation > memcached-reserve get 0/0', 'reservation > memcached-reserve get 0/0',
    `frontend > profile /profile.Profile/GetProfiles ${sizes[5]}`, `profile > memcached-profile get ${sizes[6]}`,
  ];

  test('Hotel Reservation find 27 hotels, three until October 2023', () => {
    expect(rows('hotel-reservation')).toEqual(hotel(['0/4600', '34/520', '39/11600', '0/26700', '546/104', '108/9100', '0/12906']));
    expect(rows('hotel-reservation', 'until-2023-10')).toEqual(hotel(['0/520', '34/9', '39/255', '0/600', '35/9', '13/810', '0/1200']));
  });

  test('a chain serve one another, each repetition anew, and a store has only the keys it was given', () => {
    expect(hopsOf(chain).map(({ callee, parent, group, requestBytes, responseBytes }) => [callee, parent, group, requestBytes, responseBytes])).toEqual([
      ['front', null, null, 0, 10], ['back', 0, null, 3, 4], ['cache', 1, null, 0, 14], ['back', 0, null, 3, 4], ['cache', 3, null, 0, 14],
    ]);
  });

  test('two tiers at once are one group', () => {
    expect(hopsOf(graphById('two-tier')).map(({ callee, group }) => [callee, group])).toEqual([
      ['shop', null], ['stock', 0], ['prices', 0], ['cache', null], ['prices', 0], ['cache', null],
    ]);
  });
});

test('a request of any graph crosses one sidecar for the client and two for every further call', () => {
  fc.assert(fc.property(anyGraph, (graph) => {
    const hops = hopsOf(graph);
    expect(traversalCount(graph)).toBe(1 + 2 * (hops.length - 1));
    hops.forEach(({ parent, caller }, i) => {
      expect(parent === null).toBe(i === 0);
      if (parent !== null) expect([parent < i, hops[parent].callee]).toEqual([true, caller]);
    });
  }));
});

test('every graph and variant names its source and reads', () => {
  for (const id of graphs) {
    const graph = graphById(id);
    expect(graph.source.length).toBeGreaterThan(40);
    for (const variant of Object.keys(graph.variants ?? {})) expect(graphById(id, variant).variant).toBe(variant);
  }
});
