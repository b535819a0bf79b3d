/** Where each item of the navigation leads; the server says which items a person has. */
export const places: Record<string, string> = {
  tasks: "home",
  proposals: "proposals",
  institution: "institution",
  ledger: "institution/ledger",
  people: "institution/people",
  reviews: "reviews",
  desk: "desk",
  release: "release",
  decide: "decide",
  calls: "",
  projects: "projects",
  members: "members",
  admin_members: "admin/members",
  admin_roles: "admin/roles",
  open_call: "admin/calls/new",
  platform: "admin/platform",
};
