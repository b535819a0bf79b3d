/** Where each item of the navigation leads; the server says which items a person has. */
export const places: Record<string, string> = {
  tasks: "home",
  proposals: "proposals",
  queue: "institution",
  ledger: "institution/ledger",
  people: "institution/people",
  reviews: "reviews",
  desk: "desk",
  release: "release",
  decide: "decide",
  calls: "",
  projects: "projects",
  members: "members",
  roles: "admin/roles",
  platform: "admin/platform",
  security: "admin/security",
  record: "admin/record",
};
