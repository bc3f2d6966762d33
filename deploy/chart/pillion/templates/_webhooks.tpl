{{/* What the entries of both webhook configurations share. */}}

{{/* clientConfig: call with the context and the path. No caBundle, but where it is a value: whoever
     writes it then owns it alone, and no upgrade takes it away. */}}
{{- define "pillion.clientConfig" -}}
{{- $context := index . 0 -}}
{{- $path := index . 1 -}}
clientConfig:
  {{- if and (eq $context.Values.certificates.mode "files") $context.Values.certificates.files.caBundle }}
  caBundle: {{ $context.Values.certificates.files.caBundle | b64enc }}
  {{- end }}
  {{- with $context.Values.webhooks.url }}
  url: {{ printf "%s%s" (. | trimSuffix "/") $path }}
  {{- else }}
  service:
    namespace: {{ $context.Release.Namespace }}
    name: {{ include "pillion.name" $context }}
    path: {{ $path }}
    port: {{ $context.Values.service.port }}
  {{- end }}
{{- end -}}

{{- define "pillion.notExcluded" -}}
key: kubernetes.io/metadata.name
operator: NotIn
values: {{ include "pillion.excludedNamespaces" . }}
{{- end -}}

{{- define "pillion.webhookAnnotations" -}}
{{- $annotations := .Values.webhooks.annotations -}}
{{- if eq .Values.certificates.mode "certManager" -}}
{{- $source := printf "%s/%s" .Release.Namespace (include "pillion.name" .) -}}
{{- $annotations = merge (dict "cert-manager.io/inject-ca-from" $source) $annotations -}}
{{- end -}}
{{- toYaml $annotations -}}
{{- end -}}

{{/* One mutating entry up to its selectors: call with the context, name and failurePolicy. */}}
{{- define "pillion.mutatingEntry" -}}
{{- $context := index . 0 -}}
name: {{ index . 1 }}.pillion.dev
{{ include "pillion.clientConfig" (list $context "/mutate") }}
admissionReviewVersions: [v1]
sideEffects: NoneOnDryRun
reinvocationPolicy: IfNeeded
failurePolicy: {{ index . 2 }}
timeoutSeconds: {{ $context.Values.webhooks.timeoutSeconds }}
rules:
  - operations: [CREATE]
    apiGroups: [""]
    apiVersions: [v1]
    resources: [pods]
    scope: Namespaced
{{- end -}}

{{- define "pillion.notMirrorPod" -}}
- name: no-mirror-pod
  expression: >-
    !(object.metadata.?annotations['kubernetes.io/config.mirror'].hasValue()
    && 'system:nodes' in request.userInfo.?groups.orValue([]))
{{- end -}}

{{/* One advising entry up to its rules: call with the context and the name. */}}
{{- define "pillion.advisingEntry" -}}
{{- $context := index . 0 -}}
name: {{ index . 1 }}.pillion.dev
{{ include "pillion.clientConfig" (list $context "/advise") }}
admissionReviewVersions: [v1]
sideEffects: None
failurePolicy: Ignore
timeoutSeconds: {{ $context.Values.webhooks.advice.timeoutSeconds }}
{{- end -}}

{{/* One entry that advises about workloads, up to its selectors: call with the context and the name. */}}
{{- define "pillion.workloadAdvisingEntry" -}}
{{ include "pillion.advisingEntry" . }}
rules:
  - operations: [CREATE, UPDATE]
    apiGroups: [apps]
    apiVersions: [v1]
    resources: [deployments, statefulsets, daemonsets]
    scope: Namespaced
  - operations: [CREATE, UPDATE]
    apiGroups: [batch]
    apiVersions: [v1]
    resources: [jobs, cronjobs]
    scope: Namespaced
{{- end -}}

{{- define "pillion.worthAdvising" -}}
- name: applied-by-somebody
  expression: >-
    !object.metadata.?ownerReferences.orValue([]).exists(owner,
    owner.?controller.orValue(false))
- name: pod-template-changes
  expression: >-
    request.operation != 'UPDATE'
    || (has(object.spec.jobTemplate)
    ? object.spec.jobTemplate.spec.template != oldObject.spec.jobTemplate.spec.template
    : object.spec.template != oldObject.spec.template)
    || object.spec.?volumeClaimTemplates.orValue([])
    != oldObject.spec.?volumeClaimTemplates.orValue([])
    || object.metadata.?annotations.orValue({}).exists(key,
    key.contains('pillion.dev/') && !(key in oldObject.metadata.?annotations.orValue({})))
{{- end -}}
