// Package dev is what `cardea dev` has and no production server: the inbox in
// which every message lands, the clock that can be turned, and the gallery of
// components and pages. The server hangs it on the router only for data that
// dev has made itself.
//
// It never sends anything, and it opens messages alone, which dev keeps sealed
// under the tenant's key.
package dev
